using Diffusion.Denoisers;
using Diffusion.Schedules;
using Xunit;

namespace Diffusion.Tests.Core;

/// <summary>How a network is asked, and what its answer is taken for.</summary>
public class NetworkDenoiserTests
{
    private static readonly VariancePreservingSchedule Schedule = new();

    [Fact]
    public void TheNetworkIsAskedInEvaluationAndLeftAsItWas()
    {
        using var scope = NewDisposeScope();
        using var network = new Answering((x, _) => x.sin());
        var denoiser = new NetworkDenoiser(network, Schedule, Parameterization.V());
        foreach (var training in new[] { true, false })
        {
            network.train(training);
            denoiser.Denoise(ones(2, 3), Schedule.At(0.5));
            Assert.False(network.WasTraining);
            Assert.Equal(training, network.training);
        }

        network.train();
        network.Answer = (_, _) => throw new InvalidOperationException("Broken.");
        Assert.Throws<InvalidOperationException>(() => denoiser.Denoise(ones(2, 3), Schedule.At(0.5)));
        Assert.True(network.training); // also after an error
    }

    // c_skip·x + c_out·F(c_in·x, label), the label that of the parameterization or of the point.
    [Fact]
    public void TheAnswerIsScaledAsTheParameterizationSays()
    {
        using var scope = NewDisposeScope();
        using var network = new Answering((x, _) => x.sin());
        var parameterization = Parameterization.Edm(0.6);
        var (level, x) = (Schedule.At(0.4), randn(4, 3, dtype: float64));
        var scalings = parameterization.At(level);
        Assert.NotEqual(1, scalings.In, 0.01);
        var data = new NetworkDenoiser(network, Schedule, parameterization).Denoise(x, level);
        Assert.True(data.Data.allclose(x * scalings.Skip + (x * scalings.In).sin() * scalings.Out, 1e-12, 1e-12));
        Assert.Null(data.Noise);
        Assert.Null(data.VarianceOutput);
        Assert.Equal(scalings.Label, network.Label, 1e-12);
        new NetworkDenoiser(network, Schedule, parameterization).Denoise(x, new NoisePoint(level, 33));
        Assert.Equal(33, network.Label, 1e-12);
        var carried = new NetworkDenoiser(network, Schedule, parameterization, noiseFromOutput: true).Denoise(x, level);
        Assert.True(carried.Noise!.allclose((x - data.Data * level.Alpha) / level.Sigma, 1e-10, 1e-10));
    }

    // Twice the channels of any rank: prediction first, then the variance.
    [Theory]
    [InlineData(2, 3)]
    [InlineData(2, 1)]
    [InlineData(2, 3, 4)]
    [InlineData(2, 3, 4, 5)]
    public void TwiceTheChannelsHoldAVariance(params int[] shape)
    {
        using var scope = NewDisposeScope();
        using var network = new Answering((x, _) => cat([x.sin(), x.cos()], 1));
        var x = randn(Array.ConvertAll(shape, size => (long)size), dtype: float64);
        var estimate = new NetworkDenoiser(network, Schedule, Parameterization.Data()).Denoise(x, Schedule.At(0.4));
        Assert.True(estimate.Data.eq(x.sin()).all().item<bool>());
        Assert.True(estimate.VarianceOutput!.eq(x.cos()).all().item<bool>());
    }

    [Fact]
    public void AnswersOfOtherShapesAreRefusedInWords()
    {
        using var scope = NewDisposeScope();
        foreach (var (answer, shape) in new (Func<Tensor, Tensor>, string)[]
        {
            (x => cat([x, x], 0), "[4, 3]"), (x => cat([x, x, x], 1), "[2, 9]"), (x => x.unsqueeze(2), "[2, 3, 1]"), (x => x.select(1, 0), "[2]"), (x => x[.., ..1], "[2, 1]"),
        })
        {
            using var network = new Answering((x, _) => answer(x));
            var error = Assert.Throws<InvalidOperationException>(() => new NetworkDenoiser(network, Schedule, Parameterization.V()).Denoise(ones(2, 3), Schedule.At(0.5)));
            Assert.Contains($"returned {shape} for a state [2, 3]", error.Message, StringComparison.Ordinal);
        }

        using var single = new Answering((x, _) => cat([x, x], 0));
        Assert.Contains("[6] for a state [3]", Assert.Throws<InvalidOperationException>(() => new NetworkDenoiser(single, Schedule, Parameterization.V()).Denoise(ones(3), Schedule.At(0.5))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void StatesThatAreNoneAreRefusedInWords()
    {
        using var scope = NewDisposeScope();
        using var network = new Answering((x, _) => x.sin());
        var denoiser = new NetworkDenoiser(network, Schedule, Parameterization.Epsilon(), Conditioning.ForClasses([0, 1]));
        NoisePoint at = Schedule.At(0.5);
        Assert.Contains("Float32 of shape []", Assert.Throws<ArgumentException>(() => denoiser.Denoise(tensor(1f), at)).Message, StringComparison.Ordinal);
        Assert.Contains("Int64 of shape [2, 3]", Assert.Throws<ArgumentException>(() => denoiser.Denoise(ones(2, 3, ScalarType.Int64), at)).Message, StringComparison.Ordinal);
        Assert.Contains("3 samples, the condition 2", Assert.Throws<ArgumentException>(() => denoiser.Denoise(ones(3, 3), at)).Message, StringComparison.Ordinal);
        Assert.Contains("epsilon", Assert.Throws<ArgumentException>(() => denoiser.Denoise(ones(2, 3), NoiseLevel.Of(0, 1))).Message, StringComparison.Ordinal);
        Assert.Equal([2], denoiser.Denoise(ones(2), at).Data.shape); // a vector is a batch of numbers
    }

    private sealed class Answering(Func<Tensor, Tensor, Tensor> answer) : DenoisingNetwork("Answering")
    {
        public Func<Tensor, Tensor, Tensor> Answer { get; set; } = answer;

        public bool WasTraining { get; private set; }

        public double Label { get; private set; }

        public override Tensor forward(Tensor input1, Tensor input2, Conditioning? input3)
        {
            using var scope = NewDisposeScope();
            (WasTraining, Label) = (training, input2[0].to(float64).item<double>());
            return Answer(input1, input2).MoveToOuterDisposeScope();
        }
    }
}
