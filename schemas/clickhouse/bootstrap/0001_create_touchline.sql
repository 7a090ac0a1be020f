-- Tables that services write, and the views they are made of.
CREATE DATABASE IF NOT EXISTS touchline ENGINE = Atomic
