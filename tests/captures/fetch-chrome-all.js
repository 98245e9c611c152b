fetch("https://sms.example/api/send?login=a", {"method":"GET"}) ;
fetch("https://sms.example/api/send?login=b", {"method":"GET"});
