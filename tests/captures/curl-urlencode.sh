curl https://sms.example/api/send --data-urlencode 'login=a' --data-urlencode 'text=x & y+z/é~ 100%' --data-urlencode '=b=c' --data-urlencode 'only'
