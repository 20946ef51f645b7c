// npm's get-port, as the benchmarks use it; the modes are those of python_ports.py. Processes are
// started by spawn, in the thread that hands out the ports, or by spawnSync in a worker thread.

import {spawn, spawnSync} from 'node:child_process';
import readline from 'node:readline';
import {isMainThread, parentPort, Worker} from 'node:worker_threads';

const PROGRAM = '/bin/true';

function startProcesses(way, onStarted) {
  if (way === 'spawn') {
    spawn(PROGRAM, {stdio: 'ignore'}).on('exit', () => {
      onStarted();
      startProcesses(way, onStarted);
    });
  } else if (way === 'worker') {
    new Worker(new URL(import.meta.url)).on('message', onStarted);
  }
}

async function serve(getPort, start) {
  let started = 0;
  startProcesses(start, () => started++);
  for await (const line of readline.createInterface({input: process.stdin})) {
    if (line === 'take') process.stdout.write(`${await getPort()} ${started}\n`);
  }
  process.exit();
}

async function main(mode, argument) {
  if (mode === 'none') return;
  const {default: getPort} = await import('get-port');
  if (mode === 'serve') {
    await serve(getPort, argument);
  } else if (mode === 'first') {
    await getPort();
  } else {
    const count = Number(argument);
    const start = process.hrtime.bigint();
    for (let i = 0; i < count; i++) await getPort();
    console.log(Number(process.hrtime.bigint() - start) / 1e9 / count);
  }
}

if (isMainThread) {
  await main(...process.argv.slice(2));
} else {
  for (;;) {
    spawnSync(PROGRAM);
    parentPort.postMessage('started');
  }
}
