export https_proxy=http://shell.example.com:3128 no_proxy="localhost"
