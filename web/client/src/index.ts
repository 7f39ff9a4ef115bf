export { createClient, type Client, type ClientOptions, type GenerationRequest, type Model, type Snapshot, type StartOptions } from './client.js';
export { PenstockError } from './errors.js';
export { isEnding, type BlockKind, type Citation, type EventBase, type FinishReason, type PenstockEvent, type Usage, type WireError } from './events.js';
export { Fold, type Block, type Result } from './fold.js';
export { type ConnectionState, type RequestOptions, type Send } from './request.js';
export { Run, type AttachOptions, type Connection, type FollowOptions } from './run.js';
