iwr 'https://sms.example/api/send?login=a&text=it''s' -UseBasicParsing | Select-Object Content
