http --ignore-stdin 'https://sms.example/api/send?a=1 2&é' login==a
