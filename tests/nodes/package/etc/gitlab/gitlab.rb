# A single node behind a proxy.
external_url 'https://gitlab.example.com/git'

gitlab_rails['env'] = {
  'http_proxy' => 'http://user:hidden-1@proxy.example.com:3128',
  'https_proxy' => 'http://user:hidden-1@proxy.example.com:3128',
  'no_proxy' => 'gitlab.example.com,.internal',
}
gitlab_workhorse['env'] = {
  "https_proxy" => "http://user:hidden-1@proxy.example.com:3128",
}
gitlab_rails['smtp_password'] = 'hidden-2'
