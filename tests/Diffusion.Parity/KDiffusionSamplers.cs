using System.Text.Json;
using Diffusion.Samplers;

namespace Diffusion.Parity;

/// <summary>The samplers of k-diffusion under their names, with their arguments' defaults.</summary>
internal static class KDiffusionSamplers
{
    public static Sampler Of(string name, JsonElement arguments)
    {
        double Number(string key, double otherwise) => arguments.TryGetProperty(key, out var value) ? value.GetDouble() : otherwise;
        int Integer(string key, int otherwise) => arguments.TryGetProperty(key, out var value) ? value.GetInt32() : otherwise;
        var (eta, scale) = (Number("eta", 1), Number("s_noise", 1));
        var churn = arguments.TryGetProperty("s_churn", out var amount) ? new Churn(amount.GetDouble(), Number("s_tmin", 0), Number("s_tmax", double.PositiveInfinity), scale) : null;
        var second = arguments.TryGetProperty("solver_type", out var type) && type.GetString() == "heun" ? SecondOrder.Heun : SecondOrder.Midpoint;
        return name switch
        {
            "sample_euler" => new EulerSampler(churn),
            "sample_euler_ancestral" => new EulerAncestralSampler(eta, scale),
            "sample_heun" => new HeunSampler(churn),
            "sample_dpm_2" => new Dpm2Sampler(churn),
            "sample_dpm_2_ancestral" => new Dpm2AncestralSampler(eta, scale),
            "sample_lms" => new LinearMultistepSampler(Integer("order", 4)),
            "sample_dpmpp_2s_ancestral" => new DpmPlusPlus2SAncestralSampler(eta, scale),
            "sample_dpmpp_sde" => new DpmPlusPlusSdeSampler(eta, scale, Number("r", 0.5)),
            "sample_dpmpp_2m" => new DpmSolverMultistepSampler(),
            "sample_dpmpp_2m_sde" => new DpmSolverMultistepSampler(2, eta: eta, second: second, noiseScale: scale),
            "sample_dpmpp_3m_sde" => new DpmSolverMultistepSampler(3, eta: eta, second: SecondOrder.Heun, third: ThirdOrder.AsPublished, noiseScale: scale),
            "sample_dpm_fast" => new DpmFastSampler(Integer("n", 0), Number("eta", 0), scale),
            "sample_dpm_adaptive" => new DpmAdaptiveSampler(Integer("order", 3), new AdaptiveSettings(
                Number("rtol", 0.05), Number("atol", 0.0078), Number("h_init", 0.05), Number("pcoeff", 0), Number("icoeff", 1), Number("dcoeff", 0), Number("accept_safety", 0.81)), Number("eta", 0), scale),
            _ => throw new UnsupportedException($"the sampler {name} is not known"),
        };
    }
}
