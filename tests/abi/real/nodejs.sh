#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A Node.js program: timers, promises, files through libuv's threads, a worker thread, a child, zlib, crypto.
cat >prog.js <<'J'
const fs = require('fs/promises');
const { Worker } = require('worker_threads');
const { execFile } = require('child_process');
const { promisify } = require('util');
const zlib = require('zlib');
const crypto = require('crypto');

function worker(n) {
	return new Promise((done, failed) => {
		const w = new Worker(`const { parentPort, workerData } = require('worker_threads');
			let a = 0, b = 1;
			for (let i = 0; i < workerData; i++) [a, b] = [b, (a + b) % 1000007];
			parentPort.postMessage(a);`, { eval: true, workerData: n });
		w.on('message', done);
		w.on('error', failed);
	});
}

(async () => {
	await Promise.all([...Array(20).keys()].map(i => fs.writeFile(`f${i}`, String(i).repeat(1000))));
	const sizes = await Promise.all([...Array(20).keys()].map(async i => (await fs.stat(`f${i}`)).size));
	console.log(sizes.reduce((a, b) => a + b));
	console.log(await Promise.all([worker(100000), worker(200000)]));
	const packed = await promisify(zlib.gzip)(Buffer.alloc(200000, 'muster'));
	console.log((await promisify(zlib.gunzip)(packed)).length);
	console.log(crypto.createHash('sha256').update('muster').digest('hex'));
	const { stdout } = await promisify(execFile)('echo', ['a child']);
	console.log(stdout.trim());
	await new Promise(r => setTimeout(r, 20));
	const ab = new Map();
	for (let i = 0; i < 200000; i++) ab.set(i % 1000, (ab.get(i % 1000) || 0) + i);
	console.log([...ab.values()].slice(0, 3).join(' '));
	process.exitCode = 5;
})();
J
node prog.js; echo "status $?"
