// node server.mjs [folder]: the reference server on a free port of its own, which it prints; with a folder on disk, else in memory.
import { DurableStreamTestServer } from '@durable-streams/server'

console.log = console.info = console.error // standard output says the port and nothing else
const server = new DurableStreamTestServer({ port: 0, host: '127.0.0.1', dataDir: process.argv[2], compression: false })
await server.start()
process.stdout.write(`${new URL(server.url).port}\n`)
process.stdin.on('end', () => process.exit(0)).resume()
