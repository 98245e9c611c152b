await fetch("https://sms.example/api/send", {
    "credentials": "include",
    "headers": {
        "Content-Type": "application/x-www-form-urlencoded"
    },
    "body": "login=a&text=%C5%BE",
    "method": "POST",
    "mode": "cors"
});
