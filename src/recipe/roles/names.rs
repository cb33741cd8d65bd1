//! Roles by the names that checkpoints commonly give their tensors: for tensors that no config describes.

use super::super::pattern::NameGlobs;
use crate::model::Role;
use std::ops::RangeInclusive;
use std::sync::LazyLock;

type Ranks = RangeInclusive<usize>;
const ANY: Ranks = 0..=usize::MAX;
/// A norm has a vector; what is a matrix beneath a norm's name belongs to the layer that modulates it.
const VECTOR: Ranks = 0..=1;
const MATRIX: Ranks = 2..=usize::MAX;

/// The first row whose globs match, and whose ranks hold, tells the role; those of biases and norms come first.
const TABLE: &[(&[&str], Ranks, Role)] = &[
    (&["*e_score_correction_bias", "*{router,gate}.bias"], ANY, Role::RouterBias),
    (&["*dt_bias", "*dt_proj.bias"], ANY, Role::SsmDtBias),
    (&["*relative_attention_bias*", "*relative_position_bias*", "*.attention_biases"], ANY, Role::RelativeBias),
    // What the model computes by itself: rotary frequencies, masks, coordinates.
    (
        &["*inv_freq", "*freqs_cis", "*{cos,sin}_cached", "*.masked_bias", "*attn_mask", "*relative_coords_table"],
        ANY,
        Role::Buffer,
    ),
    (&["*norm*.{linear,proj,fc,dense,lin}*.bias"], ANY, Role::Bias),
    (
        &[
            "*[nN]orm*{bias,beta}",
            "*{.,_}ln.bias",
            "ln.bias",
            "*ln_*.bias",
            "*.ln[0-9].bias",
            "*bn[0-9].bias",
            "*.bn.bias",
            "*downsample.1.bias",
        ],
        VECTOR,
        Role::NormBias,
    ),
    (
        &[
            "*[nN]orm*",
            "*{.,_}ln.weight",
            "ln.weight",
            "*ln_*.weight",
            "*.ln[0-9].weight",
            "*bn[0-9].weight",
            "*.bn.weight",
            "*downsample.1.weight",
            // The name is transformers' own.
            "*layrnorm*",
        ],
        VECTOR,
        Role::Norm,
    ),
    (&["*bias", "*bias_{ih,hh}_*"], ANY, Role::Bias),
    (&["*_b"], VECTOR, Role::Bias),
    (
        &["*lm_head.dense.weight", "*predictions.transform.dense.weight", "*classif{ier,ication_head}.dense.weight"],
        MATRIX,
        Role::Pooler,
    ),
    (
        &[
            "*lm_head*",
            "*embed_out*",
            "output.weight",
            "*unembed*",
            "proj_out.weight",
            "*predictions.decoder.weight",
            "*vocab_projector.weight",
        ],
        MATRIX,
        Role::Unembedding,
    ),
    (
        &[
            "*cls_token*",
            "*{dist,distillation}_token*",
            "*class_token*",
            "*class_embedding*",
            "*mask_token*",
            "*register_tokens*",
            "*.probe",
        ],
        ANY,
        Role::Token,
    ),
    (
        &[
            "*patch_embed*",
            "*pos_embed.proj.weight",
            "*x_embedder.proj.weight",
            "*encoder.conv{1,2}.weight",
            "visual.conv1.weight",
            "*.visual.conv1.weight",
            "*embedder.convolution.weight",
            "conv_proj.weight",
        ],
        MATRIX,
        Role::Patch,
    ),
    // What projects positions is no table of them.
    (&["*pos_emb*_proj*", "*position*embed*_proj*"], MATRIX, Role::Other),
    (
        &["*wpe*", "*position*embed*", "*embed_positions*", "*pos_emb*", "*positional_embedding*"],
        MATRIX,
        Role::Position,
    ),
    (&["*token_type*", "*segment_embed*"], MATRIX, Role::TokenType),
    (
        &[
            "*wte*",
            "*embed_tokens*",
            "*tok_embeddings*",
            "*word_embeddings*",
            "*token_embedding*",
            "*embed_in*",
            "shared.weight",
            "transformer.shared.weight",
            "*{embedding,embeddings,tok_emb,token_emb}.weight",
            "*embedding_table.weight",
        ],
        MATRIX,
        Role::Embedding,
    ),
    (&["*A_log"], ANY, Role::SsmA),
    (&["*mixer.D", "*ssm.D", "*mamba.D"], ANY, Role::SsmD),
    (&["*dt_proj.weight"], MATRIX, Role::SsmDt),
    (&["*{.,_}x_proj.weight"], MATRIX, Role::SsmX),
    (&["*{mixer,mamba,ssm}.in_proj.weight"], MATRIX, Role::SsmIn),
    (&["*{mixer,mamba,ssm}.out_proj.weight"], MATRIX, Role::SsmOut),
    (&["*{mixer,mamba,ssm}.conv1d.weight"], MATRIX, Role::SsmConv),
    // A shared expert gets the roles `mlp.*`: every token passes through it.
    (
        &["*.experts.*{gate_up_proj,w13}*", "*.{block_sparse_moe,moe,mlp}.input_linear.weight"],
        MATRIX,
        Role::ExpertGateIn,
    ),
    (&["*.experts.*{gate_proj,w1}*"], MATRIX, Role::ExpertGate),
    (&["*.experts.*{up_proj,w3}*"], MATRIX, Role::ExpertIn),
    (&["*.experts.*{down_proj,w2}*", "*.{block_sparse_moe,moe,mlp}.output_linear.weight"], MATRIX, Role::ExpertOut),
    (
        &[
            "*.router.weight",
            "*.router.{layer,classifier}.weight",
            "*{mlp,moe,feed_forward,ffn}.gate.weight",
            "*shared_expert_gate.weight",
        ],
        MATRIX,
        Role::Router,
    ),
    (&["*q_a_proj*"], MATRIX, Role::QueryDown),
    (&["*q_b_proj*"], MATRIX, Role::QueryUp),
    (&["*kv_a_proj*"], MATRIX, Role::KeyValueDown),
    (&["*kv_b_proj*"], MATRIX, Role::KeyValueUp),
    (&["*crossattention.c_attn*"], MATRIX, Role::KeyValue),
    (&["*qkv*", "*query_key_value*", "*attn.c_attn*", "*Wqkv*", "*in_proj_weight"], MATRIX, Role::Qkv),
    (
        &[
            "{q_proj,*.{q_proj,query_proj,q_lin,q_attn,to_q,add_q_proj}}.weight",
            "*{attn,attention}.wq.weight",
            "*{attn,attention}*.query.weight",
            "*self.query*",
            "*Attention.q.weight",
        ],
        MATRIX,
        Role::Query,
    ),
    (
        &[
            "{k_proj,*.{k_proj,key_proj,k_lin,to_k,add_k_proj}}.weight",
            "*{attn,attention}.wk.weight",
            "*{attn,attention}*.key.weight",
            "*self.key*",
            "*Attention.k.weight",
        ],
        MATRIX,
        Role::Key,
    ),
    (
        &[
            "{v_proj,*.{v_proj,value_proj,v_lin,to_v,add_v_proj}}.weight",
            "*{attn,attention}.wv.weight",
            "*{attn,attention}*.value.weight",
            "*self.value*",
            "*Attention.v.weight",
        ],
        MATRIX,
        Role::Value,
    ),
    (
        &[
            "*{attn,attention}.{c_proj,o_proj,out_proj,proj,dense,out,wo}.weight",
            "*.{o_proj,out_lin}.weight",
            "*attention.output.dense*",
            "*.to_out.0.weight",
            "*Attention.o.weight",
            "*{attn,attention}.Wo.weight",
        ],
        MATRIX,
        Role::AttentionOutput,
    ),
    (&["{gate_up_proj,*.gate_up_proj}.weight"], MATRIX, Role::MlpGateIn),
    (
        &[
            "{gate_proj,*.gate_proj}.weight",
            "*{feed_forward,ffn,shared_expert,shared_experts}.w1.weight",
            "*mlp.w1.*",
            "*.wi_0.*",
        ],
        MATRIX,
        Role::MlpGate,
    ),
    (
        &[
            "*.{up_proj,c_fc,fc1,fc_in,lin1,linear1,linear_1,pwconv1,wi,wi_1}.weight",
            "*{feed_forward,ffn,shared_expert,shared_experts}.w3.weight",
            "*mlp.w3.*",
            "*intermediate.dense*",
            "*dense_h_to_4h*",
            "*mlp.Wi.weight",
            "*mlp.linear_fc1.weight",
            "*feed_forward.intermediate_dense.weight",
            "*.ff.net.0.proj.weight",
        ],
        MATRIX,
        Role::MlpIn,
    ),
    (
        &[
            "*.{down_proj,fc2,fc_out,lin2,linear2,linear_2,pwconv2,wo}.weight",
            "*{feed_forward,ffn,shared_expert,shared_experts}.w2.weight",
            "*mlp.{w2,c_proj}.*",
            "*output.dense*",
            "*dense_4h_to_h*",
            "*mlp.Wo.weight",
            "*mlp.linear_fc2.weight",
            "*feed_forward.output_dense.weight",
            "*.ff.net.2.weight",
        ],
        MATRIX,
        Role::MlpOut,
    ),
    (&["*pooler*", "*pre_classifier*"], MATRIX, Role::Pooler),
    (
        &[
            "*classifier*",
            "*classification_head.out_proj.weight",
            "*multiple_choice_head.summary.weight",
            "*score.weight",
            "head.weight",
            "*.head.weight",
            "fc.weight",
            "*qa_outputs.weight",
            "*seq_relationship.weight",
        ],
        MATRIX,
        Role::Head,
    ),
    (
        &[
            "{text,visual,image}_projection.weight",
            "*.{text,visual,image}_projection.weight",
            "{text_projection,*.text_projection}",
            "*feature_projection.projection.weight",
            "*multi_modal_projector.mm_input_projection_weight",
            "{visual.proj,*.visual.proj}",
        ],
        MATRIX,
        Role::Projection,
    ),
];

/// The rows as the parser takes them, each with its globs one by one: the one that matches is how a role was told.
static COMPILED: LazyLock<Vec<(NameGlobs, Ranks, Role)>> = LazyLock::new(|| {
    let compile = |globs: &[&str]| {
        let globs: Vec<String> = globs.iter().map(|g| (*g).to_owned()).collect();
        NameGlobs::parse(&globs).expect("the table's globs are tested")
    };
    TABLE.iter().map(|(globs, ranks, role)| (compile(globs), ranks.clone(), *role)).collect()
});

/// What stands before the number of a layer or an expert in a name.
const COUNTED: [&str; 6] = ["layers", "layer", "h", "blocks", "block", "experts"];

/// A name with 0 for the numbers of layers and experts: names of one kind have one role.
pub(in super::super) fn kind_of(name: &str) -> String {
    let mut counts = false;
    let piece = |piece| {
        let is_count = std::mem::replace(&mut counts, COUNTED.contains(&piece));
        if is_count && is_number(piece) { "0" } else { piece }
    };
    name.split('.').map(piece).collect::<Vec<_>>().join(".")
}

fn is_number(piece: &str) -> bool {
    !piece.is_empty() && piece.bytes().all(|b| b.is_ascii_digit())
}

/// The layer that a name tells: the first number behind a word that counts layers.
pub(in super::super) fn layer_of(name: &str) -> Option<u64> {
    layer_prefix(name).and_then(|layer| layer.rsplit('.').next()?.parse().ok())
}

/// A name up to the number of its layer.
pub(super) fn layer_prefix(name: &str) -> Option<&str> {
    let (mut end, mut counts) = (0, false);
    for piece in name.split('.') {
        end += piece.len();
        if counts && is_number(piece) {
            return Some(&name[..end]);
        }
        counts = COUNTED.contains(&piece);
        end += 1;
    }
    None
}

/// The role that a name tells, and the glob that tells it.
pub(in super::super) fn of_name(name: &str, rank: usize) -> Option<(Role, &'static str)> {
    let found = COMPILED.iter().position(|(names, ranks, _)| ranks.contains(&rank) && names.matches(name))?;
    let (globs, _, role) = &TABLE[found];
    Some((*role, globs[COMPILED[found].0.first_match(name)?]))
}
