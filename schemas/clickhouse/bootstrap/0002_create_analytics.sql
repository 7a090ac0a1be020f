-- Views for BI tools: a public contract.
CREATE DATABASE IF NOT EXISTS analytics ENGINE = Atomic
