// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
package main

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/credentials/ec2rolecreds"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
)

func main() {
	provider := ec2rolecreds.New(func(options *ec2rolecreds.Options) {
		options.Client = imds.New(imds.Options{})
	})
	value, err := provider.Retrieve(context.Background())
	if err != nil {
		panic(err)
	}
	fmt.Println(value.AccessKeyID)
}
