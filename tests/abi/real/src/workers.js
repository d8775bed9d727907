// SPDX-License-Identifier: GPL-2.0-or-later
// Workers, the thread pool, files, a child, timers.
const { Worker, isMainThread, parentPort, workerData } = require('worker_threads');
const crypto = require('crypto'), fs = require('fs'), os = require('os'), cp = require('child_process');
if (!isMainThread) {
  let h = crypto.createHash('sha256');
  for (let i = 0; i < 2000; i++) h.update('' + i + workerData);
  parentPort.postMessage(h.digest('hex').slice(0, 8));
} else {
  console.log('cpus', os.cpus().length);
  Promise.all([1, 2, 3].map(n => new Promise(r => new Worker(__filename, { workerData: n }).on('message', r)))).then(async a => {
    console.log(a.join(' '));
    fs.writeFileSync('f', 'text'); console.log(fs.readFileSync('f', 'utf8'));
    console.log(await new Promise(r => crypto.pbkdf2('a', 'b', 1000, 16, 'sha512', (e, k) => r(k.toString('hex')))));
    console.log(cp.execFileSync('echo', ['child']).toString().trim());
    await new Promise(r => setTimeout(r, 20)); console.log('done');
  });
}
