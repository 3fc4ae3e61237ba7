# GitLab 19.2 and later.
external_url 'https://gitlab.example.com'
nginx['listen_port'] = 443
gitlab_rails['nginx']['listen_port'] = 8081
gitlab_rails['nginx']['listen_https'] = false
gitlab_rails['nginx']['listen_addresses'] = ['10.0.0.26', '[fd00::1a]']
gitlab_rails['nginx']['proxy_set_headers'] = {
  'Host' => '$http_host_with_default',
  'X-Forwarded-Proto' => 'http',
}
