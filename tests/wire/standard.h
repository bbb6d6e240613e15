/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Requests that many cases send, and what they are. */
#ifndef WIRE_STANDARD_H
#define WIRE_STANDARD_H

#define EOL        "\r\n"
#define HOST       "Host: 169.254.169.254\r\n"
#define TOKEN_NAME "X-aws-ec2-metadata-token"
#define TTL_NAME   "X-aws-ec2-metadata-token-ttl-seconds"
#define AMI        "/latest/meta-data/ami-id"
#define MAC        "/latest/meta-data/mac"
#define TOKEN_PATH "/latest/api/token"

#define V1_TEXT      "GET " AMI " HTTP/1.1\r\n" HOST "User-Agent: wire/1\r\nAccept: */*\r\n\r\n"
#define TOKEN_TEXT   "PUT " TOKEN_PATH " HTTP/1.1\r\n" HOST TTL_NAME ": 21600\r\n\r\n"
#define V2_TEXT      "GET " MAC " HTTP/1.1\r\n" HOST TOKEN_NAME ": AQAEAwire==\r\n\r\n"
#define FOREIGN_TEXT "GET /computeMetadata/v1/ HTTP/1.1\r\n" HOST "Metadata-Flavor: Google\r\n\r\n"

#define V1_EVENT      V1_BY("GET", AMI, "wire/1")
#define TOKEN_EVENT   TOKEN(TOKEN_PATH)
#define V2_EVENT      V2("GET", MAC)
#define FOREIGN_EVENT FOREIGN("GET", "/computeMetadata/v1/")

#define ALL_TEXT   V1_TEXT TOKEN_TEXT V2_TEXT FOREIGN_TEXT
#define ALL_EVENTS V1_EVENT, TOKEN_EVENT, V2_EVENT, FOREIGN_EVENT

#endif
