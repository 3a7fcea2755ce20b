using System.Text;
using System.Text.Json.Nodes;
using Diffusion.Networks;
using Diffusion.Tests.Networks;

namespace Diffusion.Tests.Hostile;

/// <summary>The folder of a network: config.json and weights.</summary>
internal abstract class NetworkFormat(string name, Action<string> save, Func<string, nn.Module> load, JsonMutation json, string[] lies) : HostileFormat(name)
{
    private const string Config = "config.json", Weights = "diffusion_pytorch_model.safetensors";

    public override IReadOnlyDictionary<string, byte[]> Valid { get; } = Written(save);

    public override IEnumerable<Dictionary<string, byte[]>> Directed =>
    [
        new(Without(Weights)) { ["pytorch_model.bin"] = [1] }, With(Weights, TwoNames(Valid[Weights])),
        .. lies.Select(lie => With(Config, Merged(lie))), Without(Config), Without(Weights), With(Config, "{"), With(Config, "[]"), With(Config, ""), With(Config, """{"in_channels":3,"in_channels":3}"""),
        With(Config, Encoding.UTF8.GetString(Valid[Config]) + new string(' ', 17 << 20)), With(Config, """{"_class_name":"\ud800"}"""), With(Config, """{"_x":"\ud800"}"""),
    ];

    // A network of a few thousand numbers is mostly its modules.
    public override long BytesBesides => 32 << 20;

    public override bool CountsTensors => false;

    public override long Load(string folder)
    {
        using var network = load(folder);
        return network.state_dict().Values.Sum(value => Bytes(value));
    }

    public override void Distort(Dictionary<string, byte[]> files, Random random)
    {
        if (random.Next(4) > 0) files[Config] = json.Apply(files[Config], random);
        else files[Weights] = SafetensorsFormat.Distort(files[Weights], random);
    }

    // The name of early versions for a tensor that has its own too.
    private static byte[] TwoNames(byte[] weights)
    {
        var length = (int)BitConverter.ToInt64(weights);
        var header = Encoding.UTF8.GetString(weights, 8, length);
        var at = header.IndexOf("to_k.weight", StringComparison.Ordinal);
        return SafetensorsFormat.File(header[..at] + "query" + header[(at + "to_k".Length)..], weights[(8 + length)..]);
    }

    private string Merged(string lie)
    {
        var config = JsonNode.Parse(Valid[Config])!.AsObject();
        foreach (var (key, value) in JsonNode.Parse(lie)!.AsObject()) config[key] = value?.DeepClone();
        return config.ToJsonString();
    }
}

/// <summary>A first U-Net.</summary>
internal sealed class UNetFormat() : NetworkFormat("UNet", Save, folder => UNet.Load(folder), Json, Lies)
{
    private static readonly JsonMutation Json = new(
        "DownBlock2D", "AttnDownBlock2D", "SkipDownBlock2D", "AttnSkipDownBlock2D", "ResnetDownsampleBlock2D", "UpBlock2D", "AttnUpBlock2D", "SkipUpBlock2D", "AttnSkipUpBlock2D", "ResnetUpsampleBlock2D",
        "fourier", "learned", "positional", "resnet", "conv", "mish", "scale_shift", "timestep", "identity", "num_class_embeds", "num_train_timesteps", "_class_name", "_x");

    private static readonly string[] Lies =
    [
        """{"block_out_channels":[]}""", """{"down_block_types":["DownBlock2D"]}""", """{"in_channels":0}""", """{"in_channels":16777217}""", """{"downsample_padding":2}""", """{"dropout":1}""", """{"norm_eps":0}""",
        """{"mid_block_scale_factor":0}""", """{"freq_shift":2}""", """{"time_embedding_type":"learned"}""", """{"norm_num_groups":null}""", """{"norm_num_groups":3}""", """{"attention_head_dim":9}""",
        """{"block_out_channels":[4,8,8],"down_block_types":["DownBlock2D","SkipDownBlock2D","DownBlock2D"],"up_block_types":["UpBlock2D","UpBlock2D","UpBlock2D"]}""",
        """{"block_out_channels":[4,8,8],"down_block_types":["DownBlock2D","DownBlock2D","DownBlock2D"],"up_block_types":["SkipUpBlock2D","UpBlock2D","UpBlock2D"]}""",
        """{"in_channels":4,"down_block_types":["SkipDownBlock2D","DownBlock2D"],"up_block_types":["UpBlock2D","UpBlock2D"]}""",
        """{"out_channels":4,"down_block_types":["DownBlock2D","DownBlock2D"],"up_block_types":["SkipUpBlock2D","SkipUpBlock2D"]}""",
        """{"_class_name":"Other"}""", """{"in_channels":"3"}""", """{"in_channels":3.5}""", """{"dropout":"x"}""", """{"center_input_sample":1}""", """{"sample_size":"x"}""", """{"sample_size":[1,2,3]}""", """{"sample_size":-1}""",
        """{"block_out_channels":3}""", """{"unheard_of":1}""", """{"act_fn":"tanh"}""", """{"act_fn":3}""", """{"down_block_types":[3,4]}""", """{"class_embed_type":"projection"}""",
        // Networks that no memory holds, or that would take all day, asked for by a few bytes.
        """{"block_out_channels":[1000000,1000000]}""", """{"block_out_channels":[16777216,16777216]}""", """{"layers_per_block":16777216}""", """{"layers_per_block":100000}""", """{"num_class_embeds":16777216}""",
        """{"time_embedding_dim":1000000}""", """{"in_channels":16777216}""", """{"out_channels":16777216}""", """{"time_embedding_type":"learned","num_train_timesteps":16777216}""",
        """{"time_embedding_type":"learned","num_train_timesteps":10}""", """{"layers_per_block":2}""", """{"block_out_channels":[8,8]}""",
    ];

    private static void Save(string folder)
    {
        using var network = new UNet(UNetConfigs.Tiny);
        network.Save(folder);
    }
}

/// <summary>A conditional U-Net.</summary>
internal sealed class ConditionalUNetFormat() : NetworkFormat("ConditionalUNet", Save, folder => ConditionalUNet.Load(folder), Json, Lies)
{
    private static readonly JsonMutation Json = new(
        "DownBlock2D", "CrossAttnDownBlock2D", "AttnDownBlock2D", "SimpleCrossAttnDownBlock2D", "ResnetDownsampleBlock2D", "UpBlock2D", "CrossAttnUpBlock2D", "AttnUpBlock2D", "SimpleCrossAttnUpBlock2D",
        "UNetMidBlock2DCrossAttn", "UNetMidBlock2DSimpleCrossAttn", "UNetMidBlock2D", "fourier", "positional", "gelu", "scale_shift", "timestep", "identity", "projection", "simple_projection", "text", "text_image", "text_time",
        "image", "image_hint", "text_proj", "image_proj", "text_image_proj", "layer_norm", "group_norm", "num_class_embeds", "encoder_hid_dim", "addition_embed_type", "class_embed_type", "_x");

    private static readonly string[] Lies =
    [
        """{"block_out_channels":[]}""", """{"down_block_types":["DownBlock2D"]}""", """{"only_cross_attention":[true,true,true]}""", """{"layers_per_block":[]}""", """{"in_channels":0}""", """{"in_channels":16777217}""",
        """{"transformer_layers_per_block":[[1,1],1]}""", """{"layers_per_block":2,"transformer_layers_per_block":[[1,1],1]}""", """{"transformer_layers_per_block":[[],1]}""", """{"downsample_padding":2}""", """{"dropout":-1}""",
        """{"norm_eps":0}""", """{"mid_block_scale_factor":0}""", """{"resnet_out_scale_factor":0}""", """{"conv_in_kernel":2}""", """{"conv_out_kernel":-1}""", """{"time_embedding_type":"fourier","time_embedding_dim":7}""",
        """{"freq_shift":4}""", """{"class_embed_type":"projection"}""", """{"class_embeddings_concat":true}""", """{"num_class_embeds":3,"class_embeddings_concat":true,"addition_embed_type":"text"}""",
        """{"encoder_hid_dim_type":"text_proj"}""", """{"cross_attention_dim":[12,13]}""", """{"dual_cross_attention":true,"encoder_hid_dim":4,"encoder_hid_dim_type":"image_proj"}""",
        """{"cross_attention_norm":"layer_norm","down_block_types":["DownBlock2D","SimpleCrossAttnDownBlock2D"],"up_block_types":["UpBlock2D","UpBlock2D"],"mid_block_type":null}""",
        """{"addition_embed_type":"text_time"}""", """{"addition_embed_type":"text_time","addition_time_embed_dim":4,"projection_class_embeddings_input_dim":9,"freq_shift":2}""", """{"addition_embed_type":"image"}""", """{"in_channels":4,"encoder_hid_dim":10,"encoder_hid_dim_type":"image_proj","addition_embed_type":"image_hint"}""",
        """{"addition_embed_type":"text","addition_embed_type_num_heads":5}""", """{"time_embedding_type":"learned"}""", """{"num_attention_heads":3}""", """{"attention_type":"gated"}""", """{"only_cross_attention":1}""",
        """{"only_cross_attention":[1]}""", """{"encoder_hid_dim":7,"encoder_hid_dim_type":"image_proj","addition_embed_type":"text_image"}""", """{"attention_head_dim":100}""", """{"norm_num_groups":3}""", """{"_class_name":3}""",
        // Networks that no memory holds, or that would take all day.
        """{"block_out_channels":[1000000,1000000]}""", """{"layers_per_block":16777216}""", """{"transformer_layers_per_block":16777216}""", """{"transformer_layers_per_block":100000}""", """{"cross_attention_dim":16777216}""",
        """{"conv_in_kernel":16777215}""", """{"conv_out_kernel":2147483647}""", """{"num_class_embeds":16777216}""", """{"time_embedding_dim":16777216}""", """{"time_cond_proj_dim":16777216}""",
        """{"class_embed_type":"simple_projection","projection_class_embeddings_input_dim":16777216}""", """{"encoder_hid_dim":16777216}""", """{"encoder_hid_dim":16777216,"encoder_hid_dim_type":"image_proj"}""",
        """{"addition_embed_type":"text_time","addition_time_embed_dim":4,"projection_class_embeddings_input_dim":16777216}""", """{"encoder_hid_dim":16777216,"encoder_hid_dim_type":"text_image_proj","addition_embed_type":"image"}""",
        """{"down_block_types":["DownBlock2D","DownBlock2D"],"up_block_types":["UpBlock2D","UpBlock2D"],"mid_block_type":"UNetMidBlock2DSimpleCrossAttn","cross_attention_dim":16777216}""",
        """{"down_block_types":["DownBlock2D","SimpleCrossAttnDownBlock2D"],"up_block_types":["UpBlock2D","UpBlock2D"],"mid_block_type":null,"cross_attention_dim":16777216}""",
        """{"down_block_types":["DownBlock2D","DownBlock2D"],"up_block_types":["UpBlock2D","UpBlock2D"],"transformer_layers_per_block":[1,16777216]}""",
    ];

    private static void Save(string folder)
    {
        using var network = new ConditionalUNet(ConditionalUNetConfigs.Tiny);
        network.Save(folder);
    }
}
