#!/bin/bash
# Exits 0 if the admin listener on this port says that the service is ready:
#
#   ready PORT
#
# It is bash because the image has nothing that speaks HTTP.
set -euo pipefail

exec 3<>"/dev/tcp/127.0.0.1/$1"
printf 'GET /readyz HTTP/1.0\r\nHost: localhost\r\n\r\n' >&3
read -r _ status _ <&3
if [[ $status != 200 ]]; then
	cat <&3 # the reasons, for docker inspect
	exit 1
fi
