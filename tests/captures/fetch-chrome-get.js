fetch("https://sms.example/api/send?login=a", {
  "headers": {},
  "body": null,
  "method": "GET"
});
