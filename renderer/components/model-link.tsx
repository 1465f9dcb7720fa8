import { useAppStore } from '../store/app-store.ts';
import { formatPlace } from '../store/pages.ts';
import { selectModel } from '../store/selectors.ts';

/** A model's name, which leads to its log; of one that is not on this machine, to the pools, since it has no log here. */
export function ModelLink({ id, ...attributes }: { readonly id: string } & React.HTMLAttributes<HTMLAnchorElement>) {
  const isHere = useAppStore((state) => selectModel(state, id) !== undefined);
  return (
    <a
      {...attributes}
      href={formatPlace(isHere ? { page: 'logs', subject: id } : { page: 'herd', subject: undefined })}
      title={isHere ? `Logs of ${id}` : `${id} is not on this machine`}
    >
      {id}
    </a>
  );
}
