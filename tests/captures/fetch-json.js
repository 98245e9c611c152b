fetch('https://sms.example/api/send', {method: 'POST', headers: {'Content-Type': 'application/json'}, body: JSON.stringify({login: 'a', n: 1})})
