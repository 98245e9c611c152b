curl https://sms.example/api/send https://other.example/x -d login=a
