/** Where a file of an attempt is read, piece by piece; its name may have folders. */
export function filePath(task: string, attempt: number, name: string): string {
  const encoded = name.split('/').map(encodeURIComponent).join('/');
  return `/api/tasks/${encodeURIComponent(task)}/attempts/${attempt}/files/${encoded}`;
}
