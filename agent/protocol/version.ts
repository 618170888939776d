/**
 * Raised by one when an old client and a new agent could misunderstand each other.
 * Adding an optional field or a method is no such change.
 */
export const PROTOCOL_VERSION = 1;
