// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
package main

import (
	"fmt"
	"io"
	"net/http"
	"time"
)

func main() {
	client := http.Client{Timeout: 5 * time.Second}
	for _, item := range []string{"instance-id", "placement/region"} {
		answer, err := client.Get("http://169.254.169.254/latest/meta-data/" + item)
		if err != nil {
			panic(err)
		}
		text, _ := io.ReadAll(answer.Body)
		answer.Body.Close()
		fmt.Println(string(text))
	}
}
