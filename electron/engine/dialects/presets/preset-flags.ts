/**
 * What may stand as a key in a preset of llama.cpp: flags of llama-server, long and short, without dashes, and the variables
 * that stand for them. One a line: its names, the one that is used first; `=` if it takes a value; its variable.
 * Source: the help of build 11669, and what builds before it knew by other names.
 */
const TABLE = `
threads,t = LLAMA_ARG_THREADS
threads-batch,tb =
cpu-mask,C =
cpu-range,Cr =
cpu-strict =
prio =
poll =
cpu-mask-batch,Cb =
cpu-range-batch,Crb =
cpu-strict-batch =
prio-batch =
poll-batch =
ctx-size,c = LLAMA_ARG_CTX_SIZE
predict,n,n-predict = LLAMA_ARG_N_PREDICT
batch-size,b = LLAMA_ARG_BATCH
ubatch-size,ub = LLAMA_ARG_UBATCH
keep =
swa-full LLAMA_ARG_SWA_FULL
flash-attn,fa = LLAMA_ARG_FLASH_ATTN
perf,no-perf LLAMA_ARG_PERF
escape,e,no-escape
rope-scaling = LLAMA_ARG_ROPE_SCALING_TYPE
rope-scale = LLAMA_ARG_ROPE_SCALE
rope-freq-base = LLAMA_ARG_ROPE_FREQ_BASE
rope-freq-scale = LLAMA_ARG_ROPE_FREQ_SCALE
yarn-orig-ctx = LLAMA_ARG_YARN_ORIG_CTX
yarn-ext-factor = LLAMA_ARG_YARN_EXT_FACTOR
yarn-attn-factor = LLAMA_ARG_YARN_ATTN_FACTOR
yarn-beta-slow = LLAMA_ARG_YARN_BETA_SLOW
yarn-beta-fast = LLAMA_ARG_YARN_BETA_FAST
kv-offload,kvo,nkvo,no-kv-offload LLAMA_ARG_KV_OFFLOAD
repack,nr,no-repack LLAMA_ARG_REPACK
no-host LLAMA_ARG_NO_HOST
cache-type-k,ctk = LLAMA_ARG_CACHE_TYPE_K
cache-type-v,ctv = LLAMA_ARG_CACHE_TYPE_V
defrag-thold,dt = LLAMA_ARG_DEFRAG_THOLD
rpc = LLAMA_ARG_RPC
load-mode,lm = LLAMA_ARG_LOAD_MODE
lazy-mode,lzm = LLAMA_ARG_LAZY_MODE
numa = LLAMA_ARG_NUMA
device,dev = LLAMA_ARG_DEVICE
override-tensor,ot = LLAMA_ARG_OVERRIDE_TENSOR
cpu-moe,cmoe LLAMA_ARG_CPU_MOE
n-cpu-moe,ncmoe = LLAMA_ARG_N_CPU_MOE
moe-cache-mib = LLAMA_ARG_MOE_CACHE_MIB
n-cpu-ffn,ncffn = LLAMA_ARG_N_CPU_FFN
gpu-layers,ngl,n-gpu-layers = LLAMA_ARG_N_GPU_LAYERS
split-mode,sm = LLAMA_ARG_SPLIT_MODE
tensor-split,ts = LLAMA_ARG_TENSOR_SPLIT
main-gpu,mg = LLAMA_ARG_MAIN_GPU
fit,fit = LLAMA_ARG_FIT
fit-target,fitt = LLAMA_ARG_FIT_TARGET
fit-ctx,fitc = LLAMA_ARG_FIT_CTX
check-tensors
override-kv =
op-offload,no-op-offload
lora =
lora-scaled =
control-vector =
control-vector-scaled =
control-vector-layer-range =
model,m = LLAMA_ARG_MODEL
model-url,mu = LLAMA_ARG_MODEL_URL
docker-repo,dr = LLAMA_ARG_DOCKER_REPO
hf-repo,hf,hfr = LLAMA_ARG_HF_REPO
hf-file,hff = LLAMA_ARG_HF_FILE
hf-token,hft = HF_TOKEN
log-disable
log-file = LLAMA_ARG_LOG_FILE
log-jsonl,no-log-jsonl LLAMA_ARG_LOG_JSONL
log-colors = LLAMA_ARG_LOG_COLORS
verbose,v,log-verbose
offline LLAMA_ARG_OFFLINE
verbosity,lv,log-verbosity = LLAMA_ARG_LOG_VERBOSITY
log-prefix,no-log-prefix LLAMA_ARG_LOG_PREFIX
log-timestamps,no-log-timestamps LLAMA_ARG_LOG_TIMESTAMPS
spec-draft-type-k,ctkd,cache-type-k-draft = LLAMA_ARG_SPEC_DRAFT_CACHE_TYPE_K
spec-draft-type-v,ctvd,cache-type-v-draft = LLAMA_ARG_SPEC_DRAFT_CACHE_TYPE_V
samplers =
seed,s =
sampler-seq,sampling-seq =
ignore-eos
temp,temperature = LLAMA_ARG_TEMPERATURE
top-k = LLAMA_ARG_TOP_K
top-p = LLAMA_ARG_TOP_P
min-p = LLAMA_ARG_MIN_P
top-nsigma,top-n-sigma =
xtc-probability =
xtc-threshold =
typical,typical-p =
repeat-last-n =
repeat-penalty = LLAMA_ARG_REPEAT_PENALTY
presence-penalty = LLAMA_ARG_PRESENCE_PENALTY
frequency-penalty = LLAMA_ARG_FREQUENCY_PENALTY
dry-multiplier =
dry-base =
dry-allowed-length =
dry-penalty-last-n =
dry-sequence-breaker =
adaptive-target =
adaptive-decay =
dynatemp-range =
dynatemp-exp =
mirostat =
mirostat-lr =
mirostat-ent =
logit-bias,l =
grammar =
grammar-file =
json-schema,j =
json-schema-file,jf =
backend-sampling,bs LLAMA_ARG_BACKEND_SAMPLING
spec-draft-hf,hfd,hfrd,hf-repo-draft = LLAMA_ARG_SPEC_DRAFT_HF_REPO
spec-draft-threads,td,threads-draft =
spec-draft-threads-batch,tbd,threads-batch-draft =
spec-draft-cpu-mask,Cd,cpu-mask-draft =
spec-draft-cpu-range,Crd,cpu-range-draft =
spec-draft-cpu-strict,cpu-strict-draft =
spec-draft-prio,prio-draft =
spec-draft-poll,poll-draft =
spec-draft-cpu-mask-batch,Cbd,cpu-mask-batch-draft =
spec-draft-cpu-strict-batch,cpu-strict-batch-draft =
spec-draft-prio-batch,prio-batch-draft =
spec-draft-poll-batch,poll-batch-draft =
spec-draft-override-tensor,otd,override-tensor-draft =
spec-draft-cpu-moe,cmoed,cpu-moe-draft LLAMA_ARG_SPEC_DRAFT_CPU_MOE
spec-draft-n-cpu-moe,spec-draft-ncmoe,ncmoed,n-cpu-moe-draft = LLAMA_ARG_SPEC_DRAFT_N_CPU_MOE
spec-draft-n-max = LLAMA_ARG_SPEC_DRAFT_N_MAX
spec-draft-n-min = LLAMA_ARG_SPEC_DRAFT_N_MIN
spec-draft-n-ubatch = LLAMA_ARG_SPEC_DRAFT_N_UBATCH
spec-synth-len = LLAMA_ARG_SPEC_SYNTH_LEN
spec-synth-rates = LLAMA_ARG_SPEC_SYNTH_RATES
spec-draft-p-split,draft-p-split = LLAMA_ARG_SPEC_DRAFT_P_SPLIT
spec-draft-p-min,draft-p-min = LLAMA_ARG_SPEC_DRAFT_P_MIN
spec-draft-backend-sampling,no-spec-draft-backend-sampling LLAMA_ARG_SPEC_DRAFT_BACKEND_SAMPLING
spec-draft-sampling = LLAMA_ARG_SPEC_DRAFT_SAMPLING
spec-draft-device,devd,device-draft =
spec-draft-ngl,ngld,gpu-layers-draft,n-gpu-layers-draft = LLAMA_ARG_N_GPU_LAYERS_DRAFT
spec-draft-model,md,model-draft = LLAMA_ARG_SPEC_DRAFT_MODEL
spec-type = LLAMA_ARG_SPEC_TYPE
spec-ngram-mod-n-min =
spec-ngram-mod-n-max =
spec-ngram-mod-n-match =
spec-ngram-simple-size-n =
spec-ngram-simple-size-m =
spec-ngram-simple-min-hits =
spec-ngram-map-k-size-n =
spec-ngram-map-k-size-m =
spec-ngram-map-k-min-hits =
spec-ngram-map-k4v-size-n =
spec-ngram-map-k4v-size-m =
spec-ngram-map-k4v-min-hits =
lookup-cache-static,lcs =
lookup-cache-dynamic,lcd =
kv-unified-per-slot = LLAMA_ARG_KV_UNIFIED_PER_SLOT
ctx-checkpoints,ctxcp,swa-checkpoints = LLAMA_ARG_CTX_CHECKPOINTS
checkpoint-min-step,cms = LLAMA_ARG_CHECKPOINT_MIN_SPACING_NT
cache-ram,cram = LLAMA_ARG_CACHE_RAM
kv-unified,kvu,no-kvu,no-kv-unified LLAMA_ARG_KV_UNIFIED
cache-idle-slots,no-cache-idle-slots LLAMA_ARG_CACHE_IDLE_SLOTS
context-shift,no-context-shift LLAMA_ARG_CONTEXT_SHIFT
reverse-prompt,r =
special,sp
warmup,no-warmup
spm-infill
pooling = LLAMA_ARG_POOLING
parallel,np = LLAMA_ARG_N_PARALLEL
cont-batching,cb,nocb,no-cont-batching LLAMA_ARG_CONT_BATCHING
mmproj,mm = LLAMA_ARG_MMPROJ
mmproj-url,mmu = LLAMA_ARG_MMPROJ_URL
mmproj-auto,no-mmproj,no-mmproj-auto LLAMA_ARG_MMPROJ_AUTO
mmproj-offload,no-mmproj-offload LLAMA_ARG_MMPROJ_OFFLOAD
mmproj-device,mmdev = MTMD_BACKEND_DEVICE
image-min-tokens = LLAMA_ARG_IMAGE_MIN_TOKENS
image-max-tokens = LLAMA_ARG_IMAGE_MAX_TOKENS
mtmd-batch-max-tokens = LLAMA_ARG_MTMD_BATCH_MAX_TOKENS
video-fps = LLAMA_ARG_VIDEO_FPS
video-timestamp-interval = LLAMA_ARG_VIDEO_TIMESTAMP_INTERVAL
video-ffmpeg-dir = LLAMA_ARG_VIDEO_FFMPEG_DIR
alias,a = LLAMA_ARG_ALIAS
tags = LLAMA_ARG_TAGS
embd-normalize =
host = LLAMA_ARG_HOST
port = LLAMA_ARG_PORT
reuse-port LLAMA_ARG_REUSE_PORT
path = LLAMA_ARG_STATIC_PATH
cors-origins = LLAMA_ARG_CORS_ORIGINS
cors-methods = LLAMA_ARG_CORS_METHODS
cors-headers = LLAMA_ARG_CORS_HEADERS
cors-credentials,no-cors-credentials LLAMA_ARG_CORS_CREDENTIALS
api-prefix = LLAMA_ARG_API_PREFIX
ui-config,webui-config = LLAMA_ARG_UI_CONFIG
ui-config-file,webui-config-file = LLAMA_ARG_UI_CONFIG_FILE
ui-mcp-proxy,webui-mcp-proxy,no-ui-mcp-proxy,no-webui-mcp-proxy LLAMA_ARG_UI_MCP_PROXY
tools = LLAMA_ARG_TOOLS
tools-runtime = LLAMA_ARG_TOOLS_RUNTIME
mcp-servers-config = LLAMA_ARG_MCP_SERVERS_CONFIG
mcp-servers-json = LLAMA_ARG_MCP_SERVERS_JSON
agent,ag,no-ag,no-agent LLAMA_ARG_AGENT
ui,webui,no-ui,no-webui LLAMA_ARG_UI
embedding,embeddings LLAMA_ARG_EMBEDDINGS
rerank,reranking LLAMA_ARG_RERANKING
api-key = LLAMA_API_KEY
api-key-file = LLAMA_ARG_API_KEY_FILE
ssl-key-file = LLAMA_ARG_SSL_KEY_FILE
ssl-cert-file = LLAMA_ARG_SSL_CERT_FILE
chat-template-kwargs = LLAMA_ARG_CHAT_TEMPLATE_KWARGS
timeout,to = LLAMA_ARG_TIMEOUT
sse-ping-interval = LLAMA_ARG_SSE_PING_INTERVAL
threads-http = LLAMA_ARG_THREADS_HTTP
cache-prompt,no-cache-prompt LLAMA_ARG_CACHE_PROMPT
cache-reuse = LLAMA_ARG_CACHE_REUSE
metrics LLAMA_ARG_ENDPOINT_METRICS
props LLAMA_ARG_ENDPOINT_PROPS
slots,no-slots LLAMA_ARG_ENDPOINT_SLOTS
slot-save-path = LLAMA_ARG_SLOT_SAVE_PATH
media-path =
models-dir = LLAMA_ARG_MODELS_DIR
models-preset = LLAMA_ARG_MODELS_PRESET
models-max = LLAMA_ARG_MODELS_MAX
models-autoload,no-models-autoload LLAMA_ARG_MODELS_AUTOLOAD
jinja,no-jinja LLAMA_ARG_JINJA
reasoning-format = LLAMA_ARG_THINK
reasoning,rea = LLAMA_ARG_REASONING
reasoning-effort = LLAMA_ARG_REASONING_EFFORT
reasoning-budget = LLAMA_ARG_THINK_BUDGET
reasoning-budget-message = LLAMA_ARG_THINK_BUDGET_MESSAGE
reasoning-preserve,no-reasoning-preserve LLAMA_ARG_REASONING_PRESERVE
chat-template = LLAMA_ARG_CHAT_TEMPLATE
chat-template-file = LLAMA_ARG_CHAT_TEMPLATE_FILE
skip-chat-parsing,no-skip-chat-parsing LLAMA_ARG_SKIP_CHAT_PARSING
prefill-assistant,no-prefill-assistant LLAMA_ARG_PREFILL_ASSISTANT
slot-prompt-similarity,sps =
lora-init-without-apply
sleep-idle-seconds =
log-prompts-dir =
embd-gemma-default
fim-qwen-1.5b-default
fim-qwen-3b-default
fim-qwen-7b-default
fim-qwen-7b-spec
fim-qwen-14b-spec
fim-qwen-30b-default
gpt-oss-20b-default
gpt-oss-120b-default
vision-gemma-4b-default
vision-gemma-12b-default
spec-default
mmap,no-mmap LLAMA_ARG_MMAP
mlock LLAMA_ARG_MLOCK
direct-io,dio,no-direct-io,ndio LLAMA_ARG_DIO
draft-max,draft,draft-n = LLAMA_ARG_DRAFT_MAX
draft-min,draft-n-min = LLAMA_ARG_DRAFT_MIN
`;

export interface PresetFlag {
  /** Without dashes. */
  readonly name: string;
  readonly takesValue: boolean;
  /** What switches it off, without dashes; undefined where nothing does. */
  readonly negative: string | undefined;
}

interface FoundFlag extends PresetFlag {
  /** The key is one that switches it off. */
  readonly isNegated: boolean;
}

const flags = new Map<string, FoundFlag>();

for (const line of TABLE.trim().split('\n')) {
  const [names = '', ...rest] = line.split(' ');
  const keys = names.split(',');
  const [name = ''] = keys;
  // The short forms of negatives begin with n.
  const isNegative = (key: string): boolean => key.startsWith('no-') || /^(nkvo|nr|nocb|ndio)$/.test(key);
  const negative = keys.find((key) => key.startsWith('no-') && key !== name);
  const takesValue = rest[0] === '=';
  const variable = rest.at(takesValue ? 1 : 0);
  for (const key of variable === undefined ? keys : [...keys, variable]) {
    flags.set(key, { name, takesValue, negative, isNegated: key !== name && isNegative(key) });
  }
}

/** The flag a key stands for; undefined if there is none. */
export function findPresetFlag(key: string): FoundFlag | undefined {
  return flags.get(key);
}
