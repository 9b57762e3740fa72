import { resolve } from 'node:path';
import compression from 'compression';
import express, { type Request, Router } from 'express';
import { unbuiltPage } from './plain-pages.ts';
import { RequestProblem } from './problem.ts';

/** The page tells its views apart by these addresses; each of them is the same file. */
const views =
  /^\/(?:(?:approvals|tasks|runs|log|logs|configuration|services|charts|new|search|more|sessions)(?:\/[^/.][^/]*)?)?$/;

/** What the first page shows. */
const firstAnswer = '/api/now';

/** The name of a built file carries its digest. */
const hashed = /^\/assets\/[\w.-]+-[\w-]{8}\.(?:js|css|svg|png|woff2)$/;
/** What browsers fetch without a cookie. */
const emblem = /^\/(?:icon[\w-]*\.(?:svg|png)|manifest\.webmanifest)$/;
const worker = /^\/service-worker\.js$/;

export type PageFiles = {
  /** Before the gate: what tells nothing of anything. */
  readonly emblems: Router;
  /** The page itself; a person without a session is led to the login. */
  readonly page: (isSignedIn: (request: Request) => boolean) => Router;
};

/** The built page: a closed list of names, so that nothing else that lies in its folder is given away. */
export function pageFiles(folder: string): PageFiles {
  const files = express.static(folder, {
    index: false,
    redirect: false,
    dotfiles: 'ignore',
    acceptRanges: false,
    cacheControl: false,
    setHeaders: (response, path) => {
      const isHashed = hashed.test(path.slice(resolve(folder).length));
      response.setHeader('cache-control', isHashed ? 'private, max-age=31536000, immutable' : 'no-cache');
    },
  });
  const compress = compression();
  const emblems = Router();
  emblems.get(emblem, compress, files);
  return {
    emblems,
    page: (isSignedIn) => {
      const router = Router();
      router.get(views, (request, response) => {
        if (!isSignedIn(request)) return response.redirect(303, '/login');
        // A slow phone asks for it while the scripts are still on their way.
        if (request.path === '/') response.setHeader('link', `<${firstAnswer}>; rel=preload; as=fetch; crossorigin`);
        response.sendFile(
          'index.html',
          { root: resolve(folder), etag: false, lastModified: false, cacheControl: false },
          (error) => {
            if (error === undefined || error === null || response.headersSent) return;
            response.status(200).type('html').send(unbuiltPage);
          },
        );
      });
      router.get(
        [hashed, worker],
        (request, _response, next) => {
          if (isSignedIn(request)) return next();
          throw new RequestProblem(401, 'no_session', 'You are not signed in.');
        },
        compress,
        files,
      );
      return router;
    },
  };
}
