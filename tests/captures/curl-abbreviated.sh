curl --sil --compressed --max-t 5 --user-a x --data-u 'text=x y' --header 'A: b' --request PUT https://sms.example/api/send
