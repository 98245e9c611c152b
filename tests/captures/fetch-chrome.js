fetch("https://sms.example/api/send?a=1", {
  "headers": {
    "accept": "*/*",
    "content-type": "application/x-www-form-urlencoded; charset=UTF-8"
  },
  "referrer": "https://panel.example/",
  "body": "login=a&text=x+y",
  "method": "POST",
  "mode": "cors",
  "credentials": "include"
});
