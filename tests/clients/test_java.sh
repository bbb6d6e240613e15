#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Java: both of its own clients, one started by its class and one from a .jar.
set -u
# shellcheck source=tests/clients/lib.sh
. "$(dirname "$0")/lib.sh"

JAVA=/usr/bin/java
need client-java
VERSION=$(version $JAVA --version)
VERSION=$(cut -d ' ' -f 2 <<<"$VERSION")

check 'the Java clients are compiled' javac -d "$work/classes" "$clients/java/Connection.java" "$clients/java/Client.java"
check 'the Java clients are put into a .jar' jar --create --file "$work/client.jar" --main-class Client -C "$work/classes" .

watch optional
calls connection client-java $JAVA -cp "$work/classes" Connection
calls client client-java $JAVA -jar "$work/client.jar"
seen

requests=('v1 GET /latest/meta-data/instance-id' 'token PUT /latest/api/token' 'v2 GET /latest/meta-data/placement/region')
client_is connection 'HttpURLConnection' comm=java exe=$JAVA script=Connection name='java Connection' \
	pattern=mixed advice=send-token client="Java/$VERSION" agent="Java/$VERSION" "${requests[@]}"
client_is client 'HttpClient' comm=java exe=$JAVA script="$work/client.jar" name="java $work/client.jar" \
	pattern=mixed advice=send-token client="Java-http-client/$VERSION" agent="Java-http-client/$VERSION" "${requests[@]}"

finish
