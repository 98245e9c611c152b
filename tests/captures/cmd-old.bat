curl "https://sms.example/api/send?a="%"20x&b=2" --compressed -X POST -H "accept: */*" -H "content-type: application/x-www-form-urlencoded" --data-raw "login=a&text=x"%"20y ""q"""
