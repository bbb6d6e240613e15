// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
package main

import (
	"fmt"

	"github.com/aws/aws-sdk-go/aws/credentials/ec2rolecreds"
	"github.com/aws/aws-sdk-go/aws/session"
)

func main() {
	value, err := ec2rolecreds.NewCredentials(session.Must(session.NewSession())).Get()
	if err != nil {
		panic(err)
	}
	fmt.Println(value.AccessKeyID)
}
