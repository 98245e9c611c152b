https sms.example/api/send login==a
