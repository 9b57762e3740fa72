import { chmod, rm } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { createRehearsalModel, type RehearsalModel } from '@countersign/rehearsal-model/src/rehearsal-model.ts';
import { execa } from 'execa';

const socketName = 'ollama.sock';
const busyBody = '{"error":"the server is busy"}';
const busyAnswer = [
  'HTTP/1.1 503 Service Unavailable',
  'Content-Type: application/json',
  `Content-Length: ${busyBody.length}`,
  'Connection: close',
  '',
  busyBody,
].join('\r\n');

/** The real rehearsal model in this process, and the sockets that lead to it. */
export class ModelServer implements AsyncDisposable {
  readonly #model: RehearsalModel;
  readonly #port: number;
  readonly #doors = new Set<ModelDoor>();

  private constructor(model: RehearsalModel, port: number) {
    this.#model = model;
    this.#port = port;
  }

  static async start(): Promise<ModelServer> {
    const model = createRehearsalModel({ port: 0, host: '127.0.0.1', logLevel: 'silent' });
    return new ModelServer(model, await model.listen());
  }

  /** Opens `ollama.sock` in a slot's folder for the model. */
  async openDoor(modelFolder: string): Promise<ModelDoor> {
    const door = await ModelDoor.open(join(modelFolder, socketName), this.#port);
    this.#doors.add(door);
    return door;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const door of this.#doors) await door.close();
    await this.#model.close();
  }
}

/** A slot's way to the model: byte for byte, until a test wants it otherwise. */
export class ModelDoor {
  /** So many of the next requests for an answer are told that the server is busy. */
  busyFor = 0;
  /** How many requests for an answer have come. */
  questions = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #path: string;

  private constructor(path: string, port: number) {
    this.#path = path;
    this.#server = createServer((client) => {
      this.#keep(client);
      client.once('data', (head) => this.#pass(client, head as Buffer, port));
    });
  }

  static async open(path: string, port: number): Promise<ModelDoor> {
    const door = new ModelDoor(path, port);
    await new Promise<void>((resolve, reject) => {
      door.#server.once('error', reject);
      door.#server.listen(path, resolve);
    });
    // The sandbox is another user.
    await chmod(path, 0o666);
    return door;
  }

  #pass(client: Socket, head: Buffer, port: number): void {
    const isQuestion = head.toString('latin1').startsWith('POST /api/chat ');
    if (isQuestion) this.questions += 1;
    if (isQuestion && this.busyFor > 0) {
      this.busyFor -= 1;
      client.resume().end(busyAnswer);
      return;
    }
    const model = connect({ host: '127.0.0.1', port });
    this.#keep(model);
    model.write(head);
    client.pipe(model);
    model.pipe(client);
    client.once('close', () => model.destroy());
    model.once('close', () => client.destroy());
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => this.#sockets.delete(socket));
  }

  /** Cuts what is under way and takes the socket away. */
  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
    await rm(this.#path, { force: true });
  }
}

/** Leaves a socket file that nobody listens on, as a killed server does. */
export async function leaveDeadSocket(modelFolder: string): Promise<void> {
  const script = `require('node:net').createServer().listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'))`;
  const path = join(modelFolder, socketName);
  await execa(process.execPath, ['-e', script, path], { reject: false });
  await chmod(path, 0o666);
}
