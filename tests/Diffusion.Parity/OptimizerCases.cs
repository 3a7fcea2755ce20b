using System.Text.RegularExpressions;
using Diffusion.Checkpoints;
using Diffusion.Training;

namespace Diffusion.Parity;

/// <summary>Recorded optimizer runs: ten full-batch steps on the mean square error of a small network, gradients clipped at 0.5, an average of decay 0.9 beside them.</summary>
internal static partial class OptimizerCases
{
    private const double Tolerance = 1e-6;

    /// <summary>Whether a recorded tensor is a result of such a run.</summary>
    public static bool Has(string tensor) => Result().IsMatch(tensor);

    public static void Check(SafetensorsFile file, string tensor, Comparison comparison)
    {
        var name = Result().Match(tensor);
        var start = name.Groups["start"].Value;
        using var network = nn.Sequential(("0", nn.Linear(4, 8)), ("1", nn.SiLU()), ("2", nn.Linear(8, 2)));
        using (no_grad())
            foreach (var (key, parameter) in network.named_parameters()) parameter.copy_(file.Read($"{start}.init.{key}"));
        UpdateRule rule = name.Groups["rule"].Value switch
        {
            "adam" => UpdateRule.Adam(1e-2),
            "adamw" => UpdateRule.AdamW(1e-2, 1e-2, 0.95, 0.999, 1e-8, (_, _) => true),
            "sgdm" => UpdateRule.Sgd(0.05, 0.9),
            var other => throw new UnsupportedException($"the library has no optimizer {other}"),
        };
        using var optimizer = new WeightOptimizer(network, rule, maxGradientNorm: 0.5);
        using var average = new AveragedWeights(network, AveragingRule.Constant(0.9));
        var (x, y) = (file.Read($"{start}.X"), file.Read($"{start}.Y"));
        var losses = new double[10];
        for (var step = 0; step < losses.Length; step++)
        {
            optimizer.ZeroGradients();
            using var loss = nn.functional.mse_loss(network.forward(x), y);
            losses[step] = loss.item<float>();
            loss.backward();
            optimizer.Step();
            average.Update();
        }

        var expected = file.Read(tensor);
        if (name.Groups["what"].Value == "losses") comparison.Numbers("losses", losses, RecordedTensors.ToNumbers(expected), _ => Tolerance);
        else
        {
            var key = name.Groups["key"].Value;
            comparison.Tensors(tensor, name.Groups["what"].Value == "ema" ? average.Values[key] : network.named_parameters().Single(p => p.name == key).parameter, expected, Tolerance);
        }
    }

    [GeneratedRegex(@"^(?<start>s\d+\.opt)\.(?<rule>adam|adamw|sgdm)\.(?<what>losses|final|ema)(?:\.(?<key>.+))?$")]
    private static partial Regex Result();
}
