// npm's get-port, as the benchmarks use it; the modes are those of python_ports.py.

import readline from 'node:readline';

const [mode, count] = process.argv.slice(2);
if (mode !== 'none') {
  const {default: getPort} = await import('get-port');
  if (mode === 'serve') {
    for await (const line of readline.createInterface({input: process.stdin})) {
      if (line === 'take') process.stdout.write(`${await getPort()}\n`);
    }
  } else if (mode === 'first') {
    await getPort();
  } else {
    const start = process.hrtime.bigint();
    for (let i = 0; i < Number(count); i++) await getPort();
    console.log(Number(process.hrtime.bigint() - start) / 1e9 / Number(count));
  }
}
