# HAProxy passes TLS through and says who comes.
external_url 'https://gitlab.example.com'
nginx['proxy_protocol'] = true
nginx['real_ip_trusted_addresses'] = ['10.0.0.9/32']
nginx['redirect_http_to_https'] = true
