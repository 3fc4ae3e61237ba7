// Says which way Go's net/http goes under this process's environment: it reads the environment once, so one process
// answers for one row. The argument is the URL asked for; the answer is `direct`, `error` or the proxy's URL, in parts.
package main

import (
	"fmt"
	"net/http"
	"os"
)

func main() {
	request, err := http.NewRequest("GET", os.Args[1], nil)
	if err != nil {
		panic(err)
	}
	proxy, err := http.ProxyFromEnvironment(request)
	switch {
	case err != nil:
		fmt.Println("error")
	case proxy == nil:
		fmt.Println("direct")
	default:
		password, _ := proxy.User.Password()
		credentials := ""
		if proxy.User != nil {
			credentials = proxy.User.Username() + ":" + password
		}
		fmt.Printf("%s\n%s\n%s\n%s\n", proxy.Scheme, proxy.Hostname(), proxy.Port(), credentials)
	}
}
