/** Why a house cannot be exported or imported; the message says what, and what mends it. `busy`: it can be in a moment. */
export class HouseError extends Error {
  readonly code = 'house';
  readonly busy: boolean;
  constructor(message: string, options: ErrorOptions & { readonly busy?: boolean } = {}) {
    super(message, options);
    this.name = 'HouseError';
    this.busy = options.busy ?? false;
  }
}
