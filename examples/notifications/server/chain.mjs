import { HttpError } from './localServer.mjs';
import { seededRandom } from './seededRandom.mjs';

const NETWORKS = ['mainnet', 'testnet'];
const HOLDERS_PER_PAGE = 20;
const MOST_BLOCKS_PER_LOOK = 4;
/** Now and then the newest block is replaced by another one. */
const REPLACED_SHARE = 0.05;

/**
 * A block chain that goes on a little whenever somebody looks at its head, and sometimes one block
 * back. What it does depends on nothing but the seed and the looks.
 * @param {number} seed
 * @returns {(asked: import('./localServer.mjs').Asked) => unknown} answers what is below /chain
 */
export function createChain(seed) {
  const networks = new Map(
    NETWORKS.map((name, index) => [name, createNetwork(seededRandom(seed + index))]),
  );
  return ({ path, query }) => {
    const [, , name, what, id] = path.split('/').map(decodeURIComponent);
    const network = networks.get(name ?? '');
    if (network === undefined) {
      throw new HttpError(404, `There is no network "${name}". Use one of ${NETWORKS.join(', ')}.`);
    }
    if (what === 'blocks' && id === 'latest') return network.head();
    if (what === 'hooks') return network.hooks();
    if (what === 'wallets') return network.wallets();
    if (what === 'tokens' && id === 'dao') return network.holders(Number(query.get('page') ?? 1));
    throw new HttpError(404, `There is nothing at ${path}.`);
  };
}

function createNetwork(random) {
  let height = 800_000 + Math.floor(random() * 1_000);
  let fork = 0;
  const hooks = ['deposits', 'votes', 'mints'].map((id) => ({ id, lastBlock: height }));
  const wallets = ['treasury', 'payroll', 'gas'].map((wallet) => ({ wallet, coins: 15 }));
  let holders = Array.from({ length: 50 }, () => address(random));

  const look = () => {
    if (random() < REPLACED_SHARE) fork += 1;
    else height += Math.floor(random() * (MOST_BLOCKS_PER_LOOK + 1));
  };
  return {
    head: () => {
      look();
      return { height, hash: `0x${height.toString(16)}${fork.toString(16).padStart(4, '0')}` };
    },
    hooks: () => {
      look();
      // One of them falls behind for some time, as they do.
      for (const hook of hooks) if (random() > 0.4) hook.lastBlock = height;
      return { height, hooks };
    },
    wallets: () => {
      for (const one of wallets) {
        one.coins = Math.max(0, Math.round((one.coins + (random() - 0.5) * 8) * 100) / 100);
      }
      return { wallets };
    },
    holders: (page) => {
      if (page === 1 && random() < 0.5) holders = [...holders.slice(1), address(random)];
      const pages = Math.ceil(holders.length / HOLDERS_PER_PAGE);
      const from = (page - 1) * HOLDERS_PER_PAGE;
      return { holders: holders.slice(from, from + HOLDERS_PER_PAGE), pages };
    },
  };
}

const address = (random) =>
  `0x${Math.floor(random() * 2 ** 48)
    .toString(16)
    .padStart(12, '0')}`;
