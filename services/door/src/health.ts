import { connect } from 'node:net';

// Somebody is let in; whether the page answers is the dashboard's own health.
const visit = connect({ host: '127.0.0.1', port: 7860, timeout: 4_000 });
visit.on('connect', () => process.exit(0));
visit.on('timeout', () => process.exit(1));
visit.on('error', () => process.exit(1));
