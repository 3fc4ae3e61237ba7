export http_proxy=http://not-read.example.com:1
