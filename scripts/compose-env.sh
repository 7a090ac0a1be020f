#!/usr/bin/env bash
# Makes the .env of docker-compose.yml: passwords and the installation secret, all
# random. An existing file stays as it is: another installation secret would give
# the same people new ids.
set -euo pipefail
cd "$(dirname "$0")/.."

umask 077
random() { od -An -N "$1" -tx1 /dev/urandom | tr -d ' \n'; }
set -o noclobber
{
	echo '# Keep this file out of version control and in the backup.'
	echo "TOUCHLINE_WRITER_PASSWORD=$(random 24)"
	echo "TOUCHLINE_BI_PASSWORD=$(random 24)"
	echo '# Key of person and session ids.'
	echo "TOUCHLINE_INSTALLATION_SECRET=$(random 16)"
} >.env
echo 'wrote .env'
