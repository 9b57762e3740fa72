import { text } from 'node:stream/consumers';
import { WorkspaceName } from '@countersign/contracts/names.ts';
import { z } from 'zod';
import { ImageAnswer } from './image.ts';
import { findUnfitness } from './workspace-image.ts';
import { workspaceImageName } from './workspace-image-name.ts';

// For `scripts/countersign image`, which has an engine and no Node: whether the launcher will take an image that was just built.
// `judge-image-main.ts <workspace> <name>` reads what `docker image inspect <sandbox> <image>` prints, and prints one reason a line.
const [workspace, name] = z.tuple([WorkspaceName, z.string()]).parse(process.argv.slice(2));
const [own, image] = z.tuple([ImageAnswer, ImageAnswer]).parse(JSON.parse(await text(process.stdin)));
const reasons = findUnfitness(own, image, workspace);
if (workspaceImageName(workspace) !== name) reasons.push(`the launcher looks for ${workspaceImageName(workspace)}`);
for (const reason of reasons) process.stdout.write(`${reason}\n`);
if (reasons.length > 0) process.exitCode = 1;
