curl -sS --noproxy other.example --proxy-header 'X: y' --cacert /dev/null 'https://sms.example/api/send?login=a'
