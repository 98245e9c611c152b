const answer = await fetch('https://sms.example/api/send', {
  method: 'post', // a form
  body: new URLSearchParams({login: 'a', text: 'x & y~*'}),
})
