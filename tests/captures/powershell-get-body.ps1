irm https://sms.example/api/send -Body @{login='a'}
