curl https://sms.example/api/send --json '{"login":' --json '"a"}'
