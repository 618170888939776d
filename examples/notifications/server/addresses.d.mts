export const SERVICES_URL: string;
export const API_URL: string;
export const SERVICES_NAME: string;
export const API_NAME: string;
export function portOf(url: string): number;
