// Begins to read and never ends, as a reader does that is killed in the middle.
import { openPointerTable } from '../../src/pointer-table.ts';

const [folder = ''] = process.argv.slice(2);
const { rows } = openPointerTable(folder);
const transaction = rows.useReadTransaction();
rows.get('/any', { transaction });
process.stdout.write('holding');
setInterval(() => rows.get('/any', { transaction }), 1_000);
