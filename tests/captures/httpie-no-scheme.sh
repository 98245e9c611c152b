http --ignore-stdin -v --timeout 5 -p b PUT sms.example/api/send login==a
